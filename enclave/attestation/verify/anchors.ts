import { fromBase64, fromHex, equalBytes, sha256, type Bytes } from '@k3s-daas/core';

/** SHA-256 of the DER of the AWS Nitro Enclaves root G1, valid 2019 to 2049 (AWS user guide, "Root of trust"). */
export const AWS_NITRO_ROOT_G1_SHA256 = '641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b';

/** The certificate AWS publishes at aws-nitro-enclaves.amazonaws.com/AWS_NitroEnclaves_Root-G1.zip. */
export const AWS_NITRO_ROOT_G1_PEM = `-----BEGIN CERTIFICATE-----
MIICETCCAZagAwIBAgIRAPkxdWgbkK/hHUbMtOTn+FYwCgYIKoZIzj0EAwMwSTEL
MAkGA1UEBhMCVVMxDzANBgNVBAoMBkFtYXpvbjEMMAoGA1UECwwDQVdTMRswGQYD
VQQDDBJhd3Mubml0cm8tZW5jbGF2ZXMwHhcNMTkxMDI4MTMyODA1WhcNNDkxMDI4
MTQyODA1WjBJMQswCQYDVQQGEwJVUzEPMA0GA1UECgwGQW1hem9uMQwwCgYDVQQL
DANBV1MxGzAZBgNVBAMMEmF3cy5uaXRyby1lbmNsYXZlczB2MBAGByqGSM49AgEG
BSuBBAAiA2IABPwCVOumCMHzaHDimtqQvkY4MpJzbolL//Zy2YlES1BR5TSksfbb
48C8WBoyt7F2Bw7eEtaaP+ohG2bnUs990d0JX28TcPQXCEPZ3BABIeTPYwEoCWZE
h8l5YoQwTcU/9KNCMEAwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUkCW1DdkF
R+eWw5b6cp3PmanfS5YwDgYDVR0PAQH/BAQDAgGGMAoGCCqGSM49BAMDA2kAMGYC
MQCjfy+Rocm9Xue4YnwWmNJVA44fA0P5W2OpYow9OYCVRaEevL8uO1XYru5xtMPW
rfMCMQCi85sWBbJwKKXdS6BptQFuZbT73o/gBh1qUxl/nNr12UO8Yfwr6wPLb+6N
IwLz3/Y=
-----END CERTIFICATE-----`;

/** DER of the AWS root, the trust anchor of every real enclave. */
export const awsNitroRootG1: Bytes = fromBase64(
  AWS_NITRO_ROOT_G1_PEM.split('\n')
    .filter((line) => !line.startsWith('-----'))
    .join(''),
);

/** Whether a trust anchor is AWS's; a production configuration must refuse any other. */
export function isAwsNitroRootG1(trustAnchor: Bytes): boolean {
  return equalBytes(sha256(trustAnchor), fromHex(AWS_NITRO_ROOT_G1_SHA256));
}
