// Amplify as an application sets it up: from the stack's own amplify_outputs.json.
import { Amplify } from 'aws-amplify';
import { generateClient } from 'aws-amplify/api';
import { signIn, signOut } from 'aws-amplify/auth';
import { Hub, parseAmplifyConfig } from 'aws-amplify/utils';
import WebSocket from 'ws';

import { Inbox } from './inbox.mjs';
import { DELETE, EVENTS, READ, START, STOP, TURN } from './session.mjs';
import { stack } from './stack.mjs';

// Node 20 has none of its own; Amplify takes whatever is global.
globalThis.WebSocket = WebSocket;

const response = await fetch(`${stack.url}/amplify_outputs.json`);
export const outputs = await response.json();
export const config = parseAmplifyConfig(outputs);
config.Auth.Cognito.userPoolEndpoint = outputs.custom.tokencast.user_pool_endpoint;
Amplify.configure(config);

export const client = generateClient();

/** What Amplify tells about its real-time connection. */
export const hub = new Inbox();
Hub.listen('api', ({ payload }) => hub.push(payload));

export async function signInAs({ username, password }) {
  await signOut();
  return signIn({ username, password });
}

export async function read(sessionId) {
  const { data } = await client.graphql({ query: READ, variables: { sessionId } });
  return data.getStream;
}

export async function start(prompt, sessionId) {
  const { data } = await client.graphql({ query: START, variables: { prompt, sessionId } });
  return data.startStream;
}

/** Starts a turn of a conversation. */
export async function ask(prompt, conversationId, sessionId) {
  const { data } = await client.graphql({ query: TURN, variables: { prompt, sessionId, conversationId } });
  return data.startStream;
}

export async function remove(conversationId) {
  const { data } = await client.graphql({ query: DELETE, variables: { id: conversationId } });
  return data.deleteConversation;
}

export async function stop(sessionId) {
  const { data } = await client.graphql({ query: STOP, variables: { sessionId } });
  return data.stopStream;
}

/** Subscribes; resolves once the subscription is acknowledged. `events` is an inbox of `TokenEvent`s. */
export async function subscribe(sessionId, query = EVENTS) {
  const subscription = open(sessionId, query);
  await acknowledged(sessionId);
  return subscription;
}

/** Subscribes, without waiting. `errors` is an inbox, too. */
export function open(sessionId, query = EVENTS, options = {}) {
  const [events, errors] = [new Inbox(), new Inbox()];
  const subscription = client.graphql({ query, variables: { sessionId }, ...options }).subscribe({
    next: ({ data }) => events.push(data.onTokenReceived),
    error: (error) => errors.push(error),
  });
  return { events, errors, close: () => subscription.unsubscribe() };
}

/** Subscribes to changes of conversations; resolves once that is acknowledged. `events` is an inbox of `ConversationEvent`s. */
export async function listen(query, variables) {
  const [events, errors] = [new Inbox(), new Inbox()];
  const [[name, value]] = Object.entries(variables);
  const subscription = client.graphql({ query, variables }).subscribe({
    next: ({ data }) => events.push(Object.values(data)[0]),
    error: (error) => errors.push(error),
  });
  const isAcknowledgement = ({ event, data }) => event === 'Subscription ack' && data.variables[name] === value;
  await hub.until(`acknowledgement of ${name}`, (told) => told.some(isAcknowledgement));
  return { events, errors, close: () => subscription.unsubscribe() };
}

/** Waits for the acknowledgement of a subscription: the first, or after a reconnect the second. */
export function acknowledged(sessionId, times = 1) {
  const isAcknowledgement = ({ event, data }) => event === 'Subscription ack' && data.variables.sessionId === sessionId;
  return hub.until(
    `acknowledgement ${times} of ${sessionId}`,
    (told) => told.filter(isAcknowledgement).length >= times,
  );
}

/** The states that the connection went through. */
export function connectionStates(told = hub.items) {
  return told.filter(({ event }) => event === 'ConnectionStateChange').map(({ data }) => data.connectionState);
}
