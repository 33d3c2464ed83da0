# Plan of the task 'files': an overview of the files. It commits nothing: its checkpoint does.
set -eu

mkdir -p taskmesh-demo
echo "Counting lines"
sleep 1

{
  printf '# Files\n\n| file | lines |\n|---|---|\n'
  git ls-files | head -n 200 | while IFS= read -r file; do
    # Links that lead nowhere and submodules are not files.
    if [ -f "$file" ]; then printf '| %s | %s |\n' "$file" "$(wc -l < "$file" | tr -d ' ')"; fi
  done
} > taskmesh-demo/files.md
sleep 1

echo "Files in the overview: $(($(wc -l < taskmesh-demo/files.md) - 4)). I leave it uncommitted"
