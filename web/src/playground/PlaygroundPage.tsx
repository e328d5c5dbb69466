import type { ReactNode } from 'react';
import type { Api } from '../api';

export default function PlaygroundPage({ api }: { api: Api }): ReactNode {
  return <p>{api.graphqlUrl}</p>;
}
