# Plan of the task 'history': a summary of the latest commits, committed by the task itself.
set -eu

mkdir -p taskmesh-demo
echo "Reading the history of the repository"
sleep 1

{
  printf '# The latest commits\n\n'
  git log -n 20 --format='- %h %ad %s' --date=short
} > taskmesh-demo/history.md
echo "Commits in the summary: $(grep -c '^- ' taskmesh-demo/history.md)"
sleep 1

git add taskmesh-demo/history.md
# Whoever's machine this is: not their name, not their hooks, not their signature.
git -c user.name='Demo agent' -c user.email=agent@demo.invalid -c commit.gpgsign=false \
  commit --quiet --no-verify -m 'Add a summary of the latest commits'
echo "Committed as $(git log -1 --format='%h %s')"
