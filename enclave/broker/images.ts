import { fromHex, RELEASE_IMAGES_MAX, type Bytes } from '@k3s-daas/core';
import { z } from 'zod';

const container = z.looseObject({ image: z.string().max(4_096).default('') });
const list = z.array(container).nullish();
const specSchema = z.looseObject({
  containers: list,
  initContainers: list,
  ephemeralContainers: list,
  /** Images that are mounted: what is in them can be run as well. */
  volumes: z
    .array(
      z.looseObject({
        image: z.looseObject({ reference: z.string().max(4_096).default('') }).nullish(),
      }),
    )
    .nullish(),
});

const BY_DIGEST = /^[^@\s]+@sha256:([0-9a-f]{64})$/;

/**
 * The digests of all images in a pod's spec, each once, in its order: containers of every kind, and images that are
 * mounted. Empty if any of them is not named by its digest, which says that nothing is known of what runs
 * (seal_policy.move: then a policy with an allow-list refuses).
 */
export function imageDigests(spec: unknown): readonly Bytes[] {
  const parsed = specSchema.safeParse(spec);
  if (!parsed.success) return [];
  const { containers, initContainers, ephemeralContainers, volumes } = parsed.data;
  const images = [
    ...[containers, initContainers, ephemeralContainers]
      .flatMap((each) => each ?? [])
      .map(({ image }) => image),
    ...(volumes ?? []).flatMap(({ image }) =>
      image === null || image === undefined ? [] : [image.reference],
    ),
  ];
  const digests = images.map((image) => BY_DIGEST.exec(image)?.[1]);
  const known = new Set(digests.filter((digest) => digest !== undefined));
  if (digests.includes(undefined) || known.size > RELEASE_IMAGES_MAX) return [];
  return [...known].map(fromHex);
}
