import { builder } from '../graphql/builder.ts';
import { REQUEST_ID } from '../graphql/request-id.ts';
import { type CreatedBranch, createBranch } from './create-branch.ts';
import { type CreatedPullRequest, createPullRequest } from './create-pull-request.ts';

const AGAIN = `${REQUEST_ID} After a pending answer it takes the waiting up again.`;
const PENDING = 'Whether the daemon is still at it; the result comes in the log.';

const CreateBranchInput = builder.inputType('CreateBranchInput', {
  description: 'A branch to make.',
  fields: (t) => ({
    contractId: t.id({ description: 'The contract; implied by the tool key of its supervisor.' }),
    branchName: t.string({ required: true, description: 'Its name, without refs/heads/.' }),
    fromRef: t.string({
      description:
        "Where it starts: a branch of the repository, or a full commit id; else the commit that the branch of the supervisor's working copy is at, without what is not committed.",
    }),
    requestId: t.string({ description: AGAIN }),
  }),
});
const CreateBranchPayload = builder.objectRef<CreatedBranch>('CreateBranchPayload').implement({
  description: 'The branch.',
  fields: (t) => ({
    branchName: t.exposeString('branchName', { description: 'Its name.' }),
    commitSha: t.exposeString('commitSha', {
      nullable: true,
      description: 'The commit it is at; null while pending.',
    }),
    pending: t.exposeBoolean('pending', { description: PENDING }),
  }),
});

const CreatePullRequestInput = builder.inputType('CreatePullRequestInput', {
  description: 'A pull request to open.',
  fields: (t) => ({
    contractId: t.id({ description: 'The contract; implied by the tool key of its supervisor.' }),
    branch: t.string({
      required: true,
      description:
        "The branch to merge, as it is committed: one of the supervisor's working copy, of a task, or of the repository.",
    }),
    title: t.string({ required: true, description: 'Its title, at most 256 characters.' }),
    body: t.string({ description: 'Its text in Markdown, at most 65,536 characters.' }),
    baseBranch: t.string({
      description:
        "The branch to merge into; else the supervisor's base branch, else the default branch of the remote.",
    }),
    requestId: t.string({ description: AGAIN }),
  }),
});
const CreatePullRequestPayload = builder.objectRef<CreatedPullRequest>('CreatePullRequestPayload').implement({
  description: 'The pull request.',
  fields: (t) => ({
    url: t.exposeString('url', { nullable: true, description: 'Its page; null while pending.' }),
    number: t.exposeInt('number', {
      nullable: true,
      description: 'Its number in the repository; null while pending.',
    }),
    created: t.exposeBoolean('created', {
      description:
        'Whether it is new: false when one from that branch to that base was open already, or while pending.',
    }),
    pending: t.exposeBoolean('pending', { description: PENDING }),
  }),
});

builder.mutationFields((t) => ({
  createBranch: t.field({
    type: CreateBranchPayload,
    description:
      "Makes a branch in the supervisor's working copy and in its repository; in a local-only contract on a URL it stays in the working copy. One that is there already at that commit is the answer, one at another is INVALID_INPUT. For the owner and the supervisor.",
    args: { input: t.arg({ type: CreateBranchInput, required: true, description: 'The branch.' }) },
    resolve: (_, { input }, context) => createBranch(context.operation(), input),
  }),
  createPullRequest: t.field({
    type: CreatePullRequestPayload,
    description:
      'Pushes a branch and opens a pull request on GitHub, or a GitHub Enterprise server, with the token of the daemon. LOCAL_ONLY in a local-only contract and for a local repository. For the owner and the supervisor.',
    args: {
      input: t.arg({ type: CreatePullRequestInput, required: true, description: 'The pull request.' }),
    },
    resolve: (_, { input }, context) => createPullRequest(context.operation(), input),
  }),
}));
