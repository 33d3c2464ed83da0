import { describe, expect, it } from 'vitest';
import { credentialsFor, repositoryOf } from '../../src/daemon/github/repository.ts';
import { daemonConfig } from '../../src/platform/config.ts';

const token = 'ghp_secret';
const atGitHub = { token };
const atEnterprise = { token, baseUrl: 'https://git.example.com/api/v3/' };

describe('the repository behind a remote', () => {
  it.each([
    'https://github.com/acme/one.git',
    'https://github.com/acme/one',
    'https://github.com/acme/one/',
    'https://person:password@github.com/acme/one.git',
    'https://www.github.com/acme/one',
    'git@github.com:acme/one.git',
    'git@github.com:acme/one',
    'ssh://git@github.com/acme/one.git',
    'ssh://git@ssh.github.com:443/acme/one.git',
    'git://github.com/acme/one',
    'https://GitHub.com/acme/one.git',
  ])('of %s is acme/one', (url) => {
    expect(repositoryOf(url, atGitHub)).toEqual({ owner: 'acme', repo: 'one' });
  });

  it.each([
    'https://git.example.com/acme/a.b.git',
    'git@git.example.com:acme/a.b.git',
    'ssh://git@git.example.com:2222/acme/a.b',
  ])('may be on an Enterprise server: %s', (url) => {
    expect(repositoryOf(url, atEnterprise)).toEqual({ owner: 'acme', repo: 'a.b' });
  });

  it.each([
    'https://evil.example/acme/one.git',
    'https://github.com.evil.example/acme/one',
    'https://github.com@evil.example/acme/one',
    'https://github.com:8443/acme/one',
    'git@evil.example:acme/one.git',
    'https://github.com/acme',
    'https://github.com/acme/one/two',
    'https://github.com/acme/on%2fe',
    'file:///github.com/acme/one',
    '/github.com/acme/one',
  ])('is not sought, and no token sent, for %s', (url) => {
    expect(() => repositoryOf(url, atGitHub)).toThrow(expect.objectContaining({ code: 'COMMAND_FAILED' }));
  });

  it('tells nobody the password of a remote', () => {
    expect(() => repositoryOf('https://person:password@github.com/acme', atGitHub)).toThrow(
      /^(?!.*password)/,
    );
  });
});

describe('the credentials of a push', () => {
  it('are for that one server, and only where the remote is reached as the API is', () => {
    const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
    expect(credentialsFor('https://github.com/acme/one.git', atGitHub)?.config).toEqual([
      `http.https://github.com/.extraHeader=Authorization: Basic ${basic}`,
    ]);
    expect(credentialsFor('http://github.com/acme/one.git', atGitHub)).toBeUndefined();
    expect(credentialsFor('git@github.com:acme/one.git', atGitHub)).toBeUndefined();
    expect(credentialsFor('ssh://git@github.com/acme/one.git', atGitHub)).toBeUndefined();
    expect(credentialsFor('https://me:mine@github.com/acme/one.git', atGitHub)).toBeUndefined();
  });
});

describe('the settings of a daemon', () => {
  const env = { TASKMESH_DAEMON_KEY: 'key' };
  it('have a token when there is one, and agents inherit nothing of it', () => {
    expect(daemonConfig({}, env).github).toBeUndefined();
    expect(daemonConfig({}, { ...env, TASKMESH_GITHUB_TOKEN: '' }).github).toBeUndefined();
    const config = daemonConfig({}, { ...env, TASKMESH_GITHUB_TOKEN: ` ${token}\n` });
    expect(config.github?.token).toBe(token);
    expect(JSON.stringify(config.baseEnv)).not.toContain(token);
  });

  it.each([
    { TASKMESH_GITHUB_TOKEN: 'two words' },
    { TASKMESH_GITHUB_TOKEN: token, TASKMESH_GITHUB_URL: 'git.example.com' },
  ])('are refused without telling the token: %o', (wrong) => {
    expect(() => daemonConfig({}, { ...env, ...wrong })).toThrow(/TASKMESH_GITHUB_/);
    expect(() => daemonConfig({}, { ...env, ...wrong })).toThrow(/^(?!.*(?:ghp_secret|two words))/);
  });
});
