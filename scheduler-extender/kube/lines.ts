import { malformed } from './client.ts';

/**
 * Splits chunks into lines without their `\n`. What follows the last `\n` of a stream that ends is not a line and is
 * dropped: half an event says nothing.
 * @throws KubeError KUBE_RESPONSE_MALFORMED when a line grows beyond `bytesMax`
 */
export async function* lines(chunks: AsyncIterable<Buffer>, bytesMax: number): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      if (restBytes + end - start > bytesMax) throw tooLong(bytesMax);
      const tail = chunk.subarray(start, end);
      const line = restBytes === 0 ? tail : Buffer.concat([...rest, tail]);
      rest = [];
      restBytes = 0;
      start = end + 1;
      if (line.length > 0) yield line.toString();
    }
    if (start < chunk.length) {
      rest.push(chunk.subarray(start));
      restBytes += chunk.length - start;
      if (restBytes > bytesMax) throw tooLong(bytesMax);
    }
  }
}

function tooLong(bytesMax: number): Error {
  return malformed(`a watch event has more than ${bytesMax} bytes`);
}
