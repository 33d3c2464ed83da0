# Plan of the demo's supervisor. It runs in the supervisor's working copy and does everything by the CLI, with the
# key and the contract that its environment names. $plans is the directory with the plans of its tasks.
set -eu

echo "I have two pieces of work that do not touch each other, and notes to take."

history=$(taskmesh supervisor spawn --name history --own-worktree --plan-file "$plans/work-history.sh")
files=$(taskmesh supervisor spawn --name files --own-worktree --plan-file "$plans/work-files.sh")
notes=$(taskmesh supervisor spawn --name notes --plan-file "$plans/work-notes.sh")
echo "Three tasks are spawned: 'history' and 'files' on branches of their own, 'notes' in my working copy."

echo "Now I wait for all of them. The daemon takes one at a time."
taskmesh supervisor wait "$history" "$files" "$notes" --timeout 110

echo "This is what 'history' changed:"
taskmesh supervisor diff "$history" --stat

echo "Before I merge, I ask."
answer=$(taskmesh supervisor ask "Both branches are ready. Shall I merge them?" \
  --context "'history' adds a summary of the commits, 'files' an overview of the files." \
  --choice "merge both" --choice "only history" --choice "merge nothing")
echo "The answer is: $answer"

case $answer in
  "merge both")
    taskmesh supervisor merge "$history"
    taskmesh supervisor merge "$files"
    ;;
  "only history")
    taskmesh supervisor merge "$history"
    ;;
  *)
    echo "Then both branches stay as they are."
    ;;
esac

taskmesh supervisor complete --summary "Summaries of history and files, and notes: $answer"
