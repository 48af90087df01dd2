import { runCloudContract } from '../helpers/cloud-contract.ts';
import { ALIBABA_LACKS, makeAlibabaWorld } from '../helpers/peers/alibaba/world.ts';

runCloudContract('Alibaba Cloud', makeAlibabaWorld, ALIBABA_LACKS);
