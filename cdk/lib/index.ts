/** What a stack of yours needs: see README.md. */
export { ASSISTANTS_SCHEMA_FILE, SCHEMA_FILE } from './assets';
export { ApiGatewayLogRole } from './api-gateway-log-role';
export { Assistants, type AssistantsProps } from './assistants';
export type { DeliveryProps } from './delivery';
export type { ModelSpec } from './model-access';
export type { CaBundle, OrganizationProps, RoleProps, VpcPart } from './organization';
export { type FunctionCode, packagedCode, packagedFunction } from './packaged-code';
export type { QuotaLimits, Quotas } from './quotas';
export type { PromptCaching, PublishMode, StreamSettings } from './settings';
export { type AlarmThresholds, StreamAlarms, type StreamAlarmsProps } from './stream-alarms';
export { StreamDashboard, type StreamDashboardProps } from './stream-dashboard';
export type { LogLevel } from './stream-function';
export { StreamGrants } from './stream-grants';
export { TokenStream } from './token-stream';
export type { OwnApi, TokenStreamProps } from './token-stream-props';
export { UrlStream, type UrlStreamProps } from './url-stream';
export { browserClient, Users, type UsersProps } from './users';
export { WebSocketStream, type WebSocketStreamProps } from './websocket-stream';
