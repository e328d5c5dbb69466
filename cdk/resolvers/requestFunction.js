// The resolver of the fields that the request function answers. It passes on what the function reads and nothing else:
// no header, so the caller's JWT reaches neither the function nor its log.
import { util } from '@aws-appsync/utils';

export function request(ctx) {
  return {
    operation: 'Invoke',
    payload: {
      field: ctx.info.fieldName,
      arguments: ctx.args,
      sub: ctx.identity?.sub,
      groups: ctx.identity?.groups,
    },
  };
}

export function response(ctx) {
  // The function failed, or Lambda could not run it: an error of Lambda's, which has an alarm. Its own words may be a raw
  // exception, which is nobody's to read.
  if (ctx.error) {
    util.error('The request could not be handled: try again.', ctx.error.type);
  }
  // A function that answers nothing must not admit a subscriber.
  if (!ctx.result) {
    util.error('The request function gave no answer.', 'INTERNAL');
  }
  // The function refused: it returns that, because an error of Lambda's would count as a fault of ours.
  if (ctx.result.error) {
    util.error(ctx.result.error.message, ctx.result.error.type, null, ctx.result.error.info);
  }
  return ctx.result.data;
}
