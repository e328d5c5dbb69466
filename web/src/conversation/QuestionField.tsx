/** A question while it is changed, in its place. */

import { useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';

import { composerAction, isComposition } from '../chat/keys';

interface QuestionFieldProps {
  prompt: string;
  send: (prompt: string) => void;
  cancel: () => void;
}

export function QuestionField({ prompt, send, cancel }: QuestionFieldProps): ReactNode {
  const [text, setText] = useState(prompt);
  const area = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const element = area.current;
    element?.focus();
    element?.setSelectionRange(element.value.length, element.value.length);
  }, []);
  const written = text.trim();
  const sendIt = (): void => {
    if (written !== '') send(written);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const isEscape = event.key === 'Escape' && !isComposition(event.nativeEvent);
    const isSend = composerAction(event.nativeEvent, false) === 'send';
    if (!isEscape && !isSend) return;
    event.preventDefault();
    if (isSend) sendIt();
    else cancel();
  };
  return (
    <form
      className="question editing"
      aria-label="Edit the question"
      onSubmit={(event) => {
        event.preventDefault();
        sendIt();
      }}
    >
      <textarea
        ref={area}
        value={text}
        dir="auto"
        aria-label="The question, edited"
        onChange={(event) => {
          setText(event.target.value);
        }}
        onKeyDown={onKeyDown}
      />
      <div className="choices">
        <button type="button" className="plain" onClick={cancel}>
          Cancel
        </button>
        <button type="submit" className="plain accent" disabled={written === ''}>
          Ask this instead
        </button>
      </div>
    </form>
  );
}
