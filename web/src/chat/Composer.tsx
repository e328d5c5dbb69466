/** Where a question is written. What is written survives a reload. */

import {
  memo,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
} from 'react';

import { useDraft } from '../hooks/useDraft';
import { SendIcon, StopIcon } from '../ui/icons';
import { composerAction } from './keys';
import { promptSize } from './prompt_size';

export interface ComposerHandle {
  focus(): void;
  /** Puts a text there, to be changed and sent. */
  write(text: string): void;
}

interface ComposerProps {
  ref: Ref<ComposerHandle>;
  userId: string;
  /** Where what is written belongs. */
  place: string;
  lastPrompt: string | undefined;
  /** An answer is under way. */
  busy: boolean;
  stopping: boolean;
  /** Answers whether it was taken. */
  ask: (prompt: string) => boolean;
  stop: () => void;
  /** What may be chosen for the next question. */
  children?: ReactNode;
}

export const Composer = memo((props: ComposerProps): ReactNode => {
  const { ref, userId, place, lastPrompt, busy, stopping, ask, stop, children } = props;
  const [text, setText] = useDraft(userId, place);
  const area = useRef<HTMLTextAreaElement>(null);
  useImperativeHandle(ref, () => ({
    focus: () => area.current?.focus(),
    write: (written) => {
      setText(written);
      area.current?.focus();
    },
  }));
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  const prompt = text.trim();
  const send = (): void => {
    if (prompt === '' || busy) return;
    if (ask(prompt)) setText('');
  };
  const size = promptSize(prompt);
  const onKeyDown = (event: KeyboardEvent): void => {
    switch (composerAction(event.nativeEvent, text === '')) {
      case 'send':
        event.preventDefault();
        send();
        return;
      case 'lastPrompt':
        if (lastPrompt === undefined) return;
        event.preventDefault();
        setText(lastPrompt);
        return;
      case null:
    }
  };
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="field">
        <textarea
          ref={area}
          id="question"
          rows={1}
          dir="auto"
          value={text}
          placeholder="Ask anything"
          aria-label="Your question"
          aria-describedby="composer-hint"
          autoComplete="off"
          onChange={(event) => {
            setText(event.target.value);
          }}
          onKeyDown={onKeyDown}
        />
        {busy ? (
          <button
            key="stop"
            type="button"
            className="round"
            aria-label="Stop"
            title="Stop (Esc)"
            disabled={stopping}
            onClick={() => {
              stop();
              // This button goes away. On a touch screen the focus would bring up the keyboard.
              if (window.matchMedia('(pointer: fine)').matches) area.current?.focus();
            }}
          >
            <StopIcon />
          </button>
        ) : (
          <button
            key="send"
            type="submit"
            className="round"
            aria-label="Send"
            title="Send"
            disabled={prompt === ''}
          >
            <SendIcon />
          </button>
        )}
      </div>
      {size && (
        <p
          className={size.tooLong ? 'size too-long' : 'size'}
          role={size.tooLong ? 'status' : undefined}
        >
          {size.words}
        </p>
      )}
      <div className="below">
        {children}
        <p id="composer-hint" className="hint">
          Answers can be wrong.
        </p>
      </div>
    </form>
  );
});
Composer.displayName = 'Composer';
