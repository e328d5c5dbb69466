/** A page of assistant-ui, by its own adapter for the AI SDK. */

import {
  ActionBarPrimitive,
  AssistantRuntimeProvider,
  AuiIf,
  ComposerPrimitive,
  MessagePrimitive,
  ThreadPrimitive,
} from '@assistant-ui/react';
import { useAISDKRuntime } from '@assistant-ui/react-ai-sdk';
import type { UIMessage } from 'ai';

import type { Way } from './transports';
import { useResuming } from './useResuming';

interface AssistantUiProps {
  id: string;
  way: Way;
  messages: UIMessage[];
}

export function AssistantUi({ id, way, messages }: AssistantUiProps) {
  const chat = useResuming(id, way, messages);
  const runtime = useAISDKRuntime(chat);
  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <ThreadPrimitive.Root asChild>
        <main data-status={chat.status}>
          <ThreadPrimitive.Messages>
            {({ message }) => (message.role === 'user' ? <UserMessage /> : <AssistantMessage />)}
          </ThreadPrimitive.Messages>
          <ComposerPrimitive.Root>
            <ComposerPrimitive.Input aria-label="Prompt" />
            <AuiIf condition={({ thread }) => !thread.isRunning}>
              <ComposerPrimitive.Send>Send</ComposerPrimitive.Send>
            </AuiIf>
            <AuiIf condition={({ thread }) => thread.isRunning}>
              <ComposerPrimitive.Cancel
                onClick={() => {
                  void way.stopModel();
                }}
              >
                Stop
              </ComposerPrimitive.Cancel>
            </AuiIf>
          </ComposerPrimitive.Root>
        </main>
      </ThreadPrimitive.Root>
    </AssistantRuntimeProvider>
  );
}

function UserMessage() {
  return (
    <MessagePrimitive.Root asChild>
      <article aria-label="user">
        <MessagePrimitive.Parts components={{ Text }} />
      </article>
    </MessagePrimitive.Root>
  );
}

function AssistantMessage() {
  return (
    <MessagePrimitive.Root asChild>
      <article aria-label="assistant">
        <MessagePrimitive.Parts components={{ Text, Reasoning }} />
        <ActionBarPrimitive.Reload>Regenerate</ActionBarPrimitive.Reload>
      </article>
    </MessagePrimitive.Root>
  );
}

function Text({ text }: { text: string }) {
  return <p data-part="text">{text}</p>;
}

function Reasoning({ text }: { text: string }) {
  return <p data-part="reasoning">{text}</p>;
}
