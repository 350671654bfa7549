# git with a repository of its own and a clone of it.
export HOME=/tmp GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
cd /tmp || exit 1
git -c init.defaultBranch=main init -q one && cd one || exit 1
cp /data/numbers /data/text .
git add . && git commit -q -m first
sort numbers >sorted && git add sorted && git commit -q -m second
git log --oneline
git diff --stat HEAD~1
git clone -q /tmp/one /tmp/two && cd /tmp/two || exit 1
echo more >>text && git commit -q -a -m third
git push -q origin HEAD:other
git -C /tmp/one branch
git -C /tmp/one fsck 2>/dev/null
git -C /tmp/one gc -q
git rev-parse HEAD HEAD~2
