/** The functions, as `functions/` has them. */
export const FUNCTION_NAMES = ['request', 'worker', 'function-url', 'websocket', 'websocket-authorizer'] as const;

export type FunctionName = (typeof FUNCTION_NAMES)[number];
