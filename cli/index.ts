export { consoleProgress, type Progress } from './progress.ts';
export { certificateDigest, certificateKeyHash } from './stack/files.ts';
export {
  createNode,
  issueNodeIdentity,
  stakeForNode,
  type NodeIdentity,
  type StakedNode,
} from './stack/nodes.ts';
export { startStack, type Stack, type StackOptions } from './stack/stack.ts';
export { openAsPod, sealForWorkload, type OpenedSecret, type SealedWorkload } from './demo/secrets.ts';
