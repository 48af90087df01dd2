import type { Config } from '../../config.ts';

/** Every cloud at its own endpoints. */
export const NO_OWN_ENDPOINTS: Pick<Config, 'awsEndpoints' | 'azureEndpoints' | 'gcpEndpoints' | 'alibabaEndpoints'> = {
  awsEndpoints: { s3: null, sts: null, costAndUsageReport: null, dataExports: null, ec2: null },
  azureEndpoints: { resourceManager: null, authority: null, certificateAuthority: null },
  gcpEndpoints: { compute: null, token: null },
  alibabaEndpoints: { ecs: null, sts: null },
};
