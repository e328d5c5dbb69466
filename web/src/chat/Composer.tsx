/** Where a question is written. Enter sends, Shift+Enter starts a line, Escape stops the answer. */

import {
  memo,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
} from 'react';

import { SendIcon, StopIcon } from '../ui/icons';

export interface ComposerHandle {
  focus(): void;
  /** Puts a text there, to be changed and sent. */
  write(text: string): void;
}

interface ComposerProps {
  ref: Ref<ComposerHandle>;
  /** An answer is under way. */
  busy: boolean;
  stopping: boolean;
  ask: (prompt: string) => void;
  stop: () => void;
}

export const Composer = memo(({ ref, busy, stopping, ask, stop }: ComposerProps): ReactNode => {
  const [text, setText] = useState('');
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
    setText('');
    ask(prompt);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // Enter also ends the composition of a Chinese, Japanese or Korean word.
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape' && busy) {
      stop();
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
          rows={1}
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
            title="Stop"
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
      <p id="composer-hint" className="hint">
        Each question is answered on its own. Answers can be wrong.
      </p>
    </form>
  );
});
Composer.displayName = 'Composer';
