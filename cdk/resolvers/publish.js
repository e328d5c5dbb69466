// The resolver of Mutation.publishToken and Mutation.publishConversation on a NONE data source: it passes the arguments on to
// the subscribers.
import { util } from '@aws-appsync/utils';

export function request(ctx) {
  return { payload: { ...ctx.arguments, timestamp: util.time.nowISO8601() } };
}

export function response(ctx) {
  return ctx.result;
}
