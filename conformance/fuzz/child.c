/* The child that random programs start: writes a line (mode 1) or waits to be killed (mode 2), and ends with a status. */
#include <unistd.h>

int main(int count, char** arguments) {
  if (count < 3) return 99;
  if (arguments[1][0] == '1' && write(1, "a line\n", 7) != 7) return 98;
  while (arguments[1][0] == '2') pause();
  return arguments[2][0] - '0';
}
