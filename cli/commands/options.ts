// Options that many commands share.

export const CONFIG = ['-c, --config <file>', 'daas.yaml; DAAS_CONFIG names it otherwise'] as const;
export const JSON_OUTPUT = ['--json', 'answer with one JSON document'] as const;
export const KEY = ['--key <file>', 'Sui key that signs (suiprivkey…); client.suiKeyFile otherwise'] as const;

export interface Common {
  readonly config?: string;
  readonly json?: boolean;
}
