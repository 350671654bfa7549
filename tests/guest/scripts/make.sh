# A small tree built by make -j2, again after a change, and with an error.
mkdir -p /tmp/tree/src && cd /tmp/tree || exit 1
for i in 1 2 3 4 5 6; do
    echo "int part$i(int x) { return x * $i + $((i * i)); }" >src/part$i.c
done
cat >Makefile <<'END'
SRCS := $(sort $(wildcard src/*.c))
OBJS := $(SRCS:.c=.o)
libparts.a: $(OBJS)
	@ar rcs $@ $^
	@echo archive of $(words $^)
%.o: %.c
	@gcc -O2 -c -o $@ $<
count: $(shell echo libparts.a)
	@ar t libparts.a | wc -l
END
make -j2 count
make -j2 count
echo 'int part3(void) { return 3; }' >src/part3.c
make -j2 count
echo 'this is no C' >src/part4.c
make -s libparts.a 2>/dev/null
echo "status $?"
