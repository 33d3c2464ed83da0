import { builder } from '../graphql/builder.ts';
import { ViewerType } from '../keys/key.schema.ts';
import { readVersion } from '../platform/package.ts';

const version = readVersion();

builder.objectField(ViewerType, 'serverVersion', (t) =>
  t.string({ description: 'The version of the server that answers.', resolve: () => version }),
);
