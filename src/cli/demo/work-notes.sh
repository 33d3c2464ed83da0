# Plan of the task 'notes': works in the working copy of the supervisor, on its branch.
set -eu

mkdir -p taskmesh-demo
echo "I share the working copy of the supervisor: $(git rev-parse --abbrev-ref HEAD)"
sleep 1

{
  printf '# Notes\n\n'
  printf 'Taken by the task %s.\n' "${TASKMESH_TASK_ID:-of the demo}"
} > taskmesh-demo/notes.md
echo "The notes are in taskmesh-demo/notes.md"
