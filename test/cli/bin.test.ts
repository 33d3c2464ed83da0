import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../../bin/taskmesh.js', import.meta.url));
const run = promisify(execFile);

describe('bin/taskmesh.js', () => {
  it('runs the sources of a checkout and passes the exit code on', async () => {
    expect((await run(process.execPath, [bin, '--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    await expect(run(process.execPath, [bin, 'nonsense'])).rejects.toMatchObject({ code: 2, stdout: '' });
  });

  it('does not mind a reader that leaves early', async () => {
    const { stdout, stderr } = await run('sh', [
      '-c',
      `"${process.execPath}" "${bin}" task spawn --help | head -n 1`,
    ]);
    expect(stdout).toContain('Usage: taskmesh task spawn');
    expect(stderr).toBe('');
  });

  it('runs dist/ where there are no sources', async () => {
    const root = await mkdtemp(join(tmpdir(), 'taskmesh-bin-'));
    await mkdir(join(root, 'bin'));
    await mkdir(join(root, 'dist/src/cli'), { recursive: true });
    await cp(bin, join(root, 'bin/taskmesh.js'));
    await cp(fileURLToPath(new URL('../../package.json', import.meta.url)), join(root, 'package.json'));
    await writeFile(join(root, 'dist/src/cli/main.js'), "console.log('from dist', process.argv[2]);\n");
    expect((await run(process.execPath, [join(root, 'bin/taskmesh.js'), 'x'])).stdout).toBe('from dist x\n');
    await rm(root, { recursive: true });
  });
});
