import { bodyOf, serve } from '../http-server.ts';
import type { Peer } from '../peer.ts';

const REFUSAL =
  '<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>UnauthorizedOperation</Code>' +
  '<Message>You are not authorized to perform this operation.</Message></Error></Errors><RequestID>0</RequestID></Response>';

/** EC2 as an account meets it whose key is for its bill alone: every call is refused, in EC2's own words. */
export async function startDeniedEc2(): Promise<Peer> {
  return await serve(async (request, response) => {
    await bodyOf(request);
    response.writeHead(403, { 'content-type': 'text/xml;charset=UTF-8' }).end(REFUSAL);
  });
}
