/** Who answers the next question. Not there where there is no choice. */

import { memo, type ReactNode } from 'react';

import type { Assistant } from '@tokencast/client';
import type { AssistantChoice } from '../hooks/useAssistant';

interface AssistantSelectProps extends AssistantChoice {
  assistants: readonly Assistant[];
}

export const AssistantSelect = memo(
  ({ assistants, current, choose }: AssistantSelectProps): ReactNode => {
    if (assistants.length < 2) return null;
    const description = assistants.find(({ name }) => name === current)?.description;
    return (
      <label className="assistant">
        <span>Assistant</span>
        <select
          value={current}
          title={description ?? undefined}
          onChange={(event) => {
            choose(event.target.value);
          }}
        >
          {assistants.map(({ name, title }) => (
            <option key={name} value={name}>
              {title ?? name}
            </option>
          ))}
        </select>
      </label>
    );
  },
);
AssistantSelect.displayName = 'AssistantSelect';
