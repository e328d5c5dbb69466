/** Where requests go, and with which headers. */

import { useEffect, useState, type ReactNode } from 'react';

import { realtimeUrl, type Api } from '@tokencast/client';
import { realtimeHeaders, requestHeaders, type Headers } from '../api/playground';
import { CopyButton } from '../ui/CopyButton';

interface RequestPanelProps {
  api: Api;
  /** What the headers' editor added to the last request. */
  own: Headers;
}

export function RequestPanel({ api, own }: RequestPanelProps): ReactNode {
  const [open, setOpen] = useState(false);
  const [sent, setSent] = useState<{ http: Headers; realtime: Headers } | null>(null);
  const { graphqlUrl } = api;
  useEffect(() => {
    if (!open) return;
    let current = true;
    void Promise.all([requestHeaders(own), realtimeHeaders(graphqlUrl, own)]).then(
      ([http, realtime]) => {
        if (current) setSent({ http, realtime });
      },
    );
    return () => {
      current = false;
    };
  }, [open, own, graphqlUrl]);
  return (
    <details
      className="request"
      open={open}
      onToggle={({ currentTarget }) => {
        setOpen(currentTarget.open);
      }}
      onKeyDown={({ key }) => {
        if (key === 'Escape') setOpen(false);
      }}
    >
      <summary>
        <code>{graphqlUrl}</code>
        <span>Headers</span>
      </summary>
      {sent && (
        <div className="request-panel">
          <HeaderTable
            title={`Queries and mutations: POST ${graphqlUrl}`}
            headers={sent.http}
            copy={{ label: 'Copy as curl', text: curl(graphqlUrl, sent.http) }}
          />
          <HeaderTable
            title={`Subscriptions: ${realtimeUrl(graphqlUrl)}`}
            headers={sent.realtime}
            copy={{ label: 'Copy the subprotocol', text: subprotocol(sent.realtime) }}
          />
          <p className="hint">
            A subscription&apos;s headers travel in the second WebSocket subprotocol, after{' '}
            <code>graphql-ws</code>. Those of the headers&apos; editor below are added, and win.
          </p>
        </div>
      )}
    </details>
  );
}

interface HeaderTableProps {
  title: string;
  headers: Headers;
  copy: { label: string; text: string };
}

function HeaderTable({ title, headers, copy }: HeaderTableProps): ReactNode {
  return (
    <section>
      <h2>
        {title} <CopyButton label={copy.label} text={copy.text} />
      </h2>
      <dl>
        {Object.entries(headers).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd title={value}>
              <span>{value}</span>
              <CopyButton label={`Copy ${name}`} text={value} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function curl(url: string, headers: Headers): string {
  const lines = Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`);
  const body = JSON.stringify({ query: '{ __schema { queryType { fields { name } } } }' });
  return ['curl ' + quote(url), ...lines, `-d ${quote(body)}`].join(' \\\n  ');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function subprotocol(headers: Headers): string {
  const bytes = new TextEncoder().encode(JSON.stringify(headers));
  const base64 = btoa(String.fromCharCode(...bytes));
  return `header-${base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`;
}
