/** Over which delivery the next answer comes: for developers, in the settings. Not there where there is no choice. */

import { memo, type ReactNode } from 'react';

import type { Delivery } from '@tokencast/client';

interface DeliverySelectProps {
  deliveries: readonly Delivery[];
  delivery: Delivery;
  choose: (delivery: Delivery) => void;
}

const NAMES: Record<Delivery, string> = {
  appsync: 'AppSync',
  url: 'Function URL',
  websocket: 'WebSocket',
};

export const DeliverySelect = memo(
  ({ deliveries, delivery, choose }: DeliverySelectProps): ReactNode => {
    if (deliveries.length < 2) return null;
    return (
      <label className="delivery">
        <span>Delivery</span>
        <select
          value={delivery}
          onChange={(event) => {
            const chosen = deliveries.find((one) => one === event.target.value);
            if (chosen) choose(chosen);
          }}
        >
          {deliveries.map((one) => (
            <option key={one} value={one}>
              {NAMES[one]}
            </option>
          ))}
        </select>
      </label>
    );
  },
);
DeliverySelect.displayName = 'DeliverySelect';
