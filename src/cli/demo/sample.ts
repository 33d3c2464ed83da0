interface SampleCommit {
  readonly message: string;
  readonly files: Readonly<Record<string, { readonly content: string; readonly executable?: true }>>;
}

const COUNT_WORDS = `#!/bin/sh
# Counts the words of its input.
tr -s '[:space:]' '\\n' | grep -c .
`;

const COUNT_DISTINCT = `#!/bin/sh
# Counts the words of its input; with -d each word once.
words() { tr -s '[:space:]' '\\n' | grep .; }

if [ "\${1:-}" = -d ]; then
  words | tr '[:upper:]' '[:lower:]' | sort -u | wc -l | tr -d ' '
else
  words | wc -l | tr -d ' '
fi
`;

const TEST_HEAD = `#!/bin/sh
# Runs word-count on known texts.
set -eu
cd "$(dirname "$0")/.."

expect() {
  if [ "$2" = "$3" ]; then echo "ok    $1"; else echo "wrong $1: $3 instead of $2"; exit 1; fi
}

expect 'counts words' 4 "$(./word-count < samples/short.txt)"
`;

const TEST_DISTINCT = `${TEST_HEAD}expect 'counts each word once' 3 "$(./word-count -d < samples/short.txt)"
`;

const README = `# word-count

Counts the words of a text.

    ./word-count < text.txt
`;

/** A small project, commit by commit: a word counter in shell, with tests. */
export const SAMPLE_COMMITS: readonly SampleCommit[] = [
  { message: 'Say what this is', files: { 'README.md': { content: README } } },
  { message: 'Count words', files: { 'word-count': { content: COUNT_WORDS, executable: true } } },
  { message: 'Add a sample text', files: { 'samples/short.txt': { content: 'The cat\nand  the\n' } } },
  { message: 'Test the count', files: { 'test/run': { content: TEST_HEAD, executable: true } } },
  {
    message: 'Count each word once with -d',
    files: { 'word-count': { content: COUNT_DISTINCT, executable: true } },
  },
  { message: 'Test -d', files: { 'test/run': { content: TEST_DISTINCT, executable: true } } },
  {
    message: 'Document -d and the tests',
    files: {
      'README.md': {
        content: `${README}    ./word-count -d < text.txt      # each word once\n\nTests: \`test/run\`\n`,
      },
    },
  },
];
