/* Reads a file in pieces of 1 MiB and does nothing: the floor under every other figure. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  void *buffer;
  int file = argc > 1 ? open(argv[1], O_RDONLY) : -1;
  if (file < 0 || posix_memalign(&buffer, 4096, 1 << 20) != 0) return 1;
  while (read(file, buffer, 1 << 20) > 0) {
  }
  return 0;
}
