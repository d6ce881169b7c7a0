import { deserializeModule } from './chain/publish.ts';
import { createLedger } from './index.ts';
import { compileFramework } from '@k3s-daas/move';
const framework = await compileFramework();
const boots = []; 
for (let i = 0; i < 5; i++) { let t = performance.now(); const l = createLedger({ framework, clock: {startMs: 1}, verifyAttestation: () => { throw new Error(); } }); boots.push((performance.now() - t).toFixed(0)); l.close(); 
 }
let t = performance.now(); framework.map(deserializeModule); console.log('deser', performance.now() - t);
console.log(boots);
