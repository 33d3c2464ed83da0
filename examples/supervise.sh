# A supervisor in plain shell: the plan of a contract with the agent profile "shell".
#
# It starts one task for each file in the directory plans/ of the repository, waits for all of them, tries once more what
# failed, asks the person what to merge, and completes the contract. Started again after a lost machine it runs from the
# top: --once finds the tasks that were started before.
set -eu

# Who works on the plans: "shell" runs each as a script; a coding agent (claude, codex, opencode …) reads it.
worker=shell

for plan in plans/*; do
  if [ ! -f "$plan" ]; then
    taskmesh supervisor complete --summary "There are no plans in the directory plans."
    exit
  fi
done

taskmesh supervisor phase execute
tasks=
for plan in plans/*; do
  name=$(basename "$plan")
  # The id alone goes to stdout; everything else that a command says goes to stderr.
  task=$(taskmesh supervisor spawn --name "$name" --agent "$worker" --plan-file "$plan" --own-worktree --once "$name")
  echo "$name is task $task"
  tasks="$tasks $task"
done

# 1: one of them FAILED. Any other code ends the script, as it should: nobody knows then what was done.
# The list is meant to be split into words.
code=0
# shellcheck disable=SC2086
taskmesh supervisor wait $tasks || code=$?
if [ "$code" = 1 ]; then
  for task in $tasks; do
    taskmesh supervisor wait "$task" >/dev/null 2>&1 || taskmesh task retry "$task"
  done
  # shellcheck disable=SC2086
  taskmesh supervisor wait $tasks || [ $? = 1 ]
elif [ "$code" != 0 ]; then
  exit "$code"
fi

merged=0
left=0
for task in $tasks; do
  if ! taskmesh supervisor wait "$task" >/dev/null 2>&1; then
    echo "$task failed twice; its last words:"
    taskmesh supervisor read "$task" --last 5
    left=$((left + 1))
    continue
  fi
  echo "What $task changed:"
  changes=$(taskmesh supervisor diff "$task" --stat)
  echo "$changes"
  # 5: nobody answered in time. That is not a yes.
  answer=$(taskmesh supervisor ask "Merge $task?" --context "$changes" --choice merge --choice "leave it" || [ $? = 5 ])
  if [ "$answer" = merge ] && taskmesh supervisor merge "$task"; then
    merged=$((merged + 1))
  else
    # Also a conflict comes here: it has changed nothing, and says above where it is.
    left=$((left + 1))
  fi
done

taskmesh supervisor phase review
printf '# Report\n\n- merged: %s\n- left as they are: %s\n' "$merged" "$left" |
  taskmesh supervisor document report --file - --phase review
taskmesh supervisor complete --summary "$merged merged, $left left as they are"
