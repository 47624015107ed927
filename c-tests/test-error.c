/* Error numbers, their names and messages. */

#include "test.h"

#include <errno.h>

static const struct {
  int number;
  const char* name;
  const char* message;
} errors[] = {
#define XX(code, message) {UV_##code, #code, message},
    UV_ERRNO_MAP(XX)
#undef XX
};
#define ERRORS (sizeof(errors) / sizeof(errors[0]))

TEST(error_names_and_messages) {
  char buf[128];
  size_t i;

  for (i = 0; i < ERRORS; i++) {
    ASSERT_LT(errors[i].number, 0);
    ASSERT_STR_EQ(uv_err_name(errors[i].number), errors[i].name);
    ASSERT_STR_EQ(uv_strerror(errors[i].number), errors[i].message);
    ASSERT_PTR_EQ(uv_err_name_r(errors[i].number, buf, sizeof(buf)), buf);
    ASSERT_STR_EQ(buf, errors[i].name);
    ASSERT_PTR_EQ(uv_strerror_r(errors[i].number, buf, sizeof(buf)), buf);
    ASSERT_STR_EQ(buf, errors[i].message);
  }
}

TEST(error_numbers_are_distinct) {
  size_t i;
  size_t j;

  for (i = 0; i < ERRORS; i++)
    for (j = i + 1; j < ERRORS; j++)
      ASSERT_NE(errors[i].number, errors[j].number);
}

TEST(error_numbers_are_negated_errno) {
  ASSERT_EQ(UV_EPERM, -EPERM);
  ASSERT_EQ(UV_ENOENT, -ENOENT);
  ASSERT_EQ(UV_EINVAL, -EINVAL);
  ASSERT_EQ(UV_ENOTSUP, -ENOTSUP);
  ASSERT_EQ(UV_EAGAIN, -EAGAIN);
  ASSERT_EQ(UV_ECANCELED, -ECANCELED);
  ASSERT_EQ(UV_EILSEQ, -EILSEQ);
  ASSERT_EQ(UV_EREMOTEIO, -EREMOTEIO);
  ASSERT_EQ(UV_EUNATCH, -EUNATCH);
  ASSERT_EQ(UV_ENOEXEC, -ENOEXEC);
  /* No such thing in errno.h here. */
  ASSERT_EQ(UV_EOF, -4095);
  ASSERT_EQ(UV_UNKNOWN, -4094);
  ASSERT_EQ(UV_ECHARSET, -4080);
  ASSERT_EQ(UV_EFTYPE, -4028);
  ASSERT_EQ(UV_EAI_ADDRFAMILY, -3000);
  ASSERT_EQ(UV_EAI_AGAIN, -3001);
  ASSERT_EQ(UV_EAI_CANCELED, -3003);
  ASSERT_EQ(UV_EAI_PROTOCOL, -3014);
}

TEST(error_buffers_are_cut_and_terminated) {
  static const struct {
    size_t size;
    const char* name;
    const char* message;
    const char* unknown;
  } cases[] = {
      {1, "", "", ""},
      {2, "E", "i", "U"},
      {3, "EI", "in", "Un"},
      {6, "EINVA", "inval", "Unkno"},
      {7, "EINVAL", "invali", "Unknow"},
      {20, "EINVAL", "invalid argument", "Unknown system erro"},
  };
  size_t i;

  for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    char buf[32];

    memset(buf, '#', sizeof(buf));
    uv_err_name_r(UV_EINVAL, buf, cases[i].size);
    ASSERT_STR_EQ(buf, cases[i].name);
    ASSERT_EQ(buf[cases[i].size], '#');
    memset(buf, '#', sizeof(buf));
    uv_strerror_r(UV_EINVAL, buf, cases[i].size);
    ASSERT_STR_EQ(buf, cases[i].message);
    ASSERT_EQ(buf[cases[i].size], '#');
    memset(buf, '#', sizeof(buf));
    uv_strerror_r(12345, buf, cases[i].size);
    ASSERT_STR_EQ(buf, cases[i].unknown);
    ASSERT_EQ(buf[cases[i].size], '#');
  }
}

TEST(error_buffer_of_no_bytes_is_not_touched) {
  static const int numbers[] = {UV_EINVAL, 12345};
  char buf[2] = "#";
  size_t i;

  for (i = 0; i < 2; i++) {
    ASSERT_PTR_EQ(uv_err_name_r(numbers[i], buf, 0), buf);
    ASSERT_PTR_EQ(uv_strerror_r(numbers[i], buf, 0), buf);
    ASSERT_STR_EQ(buf, "#");
  }
}

static const struct {
  int number;
  const char* text;
} unknown[] = {
    {0, "Unknown system error 0"},
    {1, "Unknown system error 1"},
    {1337, "Unknown system error 1337"},
    {-1337, "Unknown system error -1337"},
    {-5000, "Unknown system error -5000"},
    {INT32_MAX, "Unknown system error 2147483647"},
};
#define UNKNOWNS (sizeof(unknown) / sizeof(unknown[0]))

/* Text for an unknown number is allocated and never freed, as documented.
 * It is kept reachable here for leak checkers. */
static const char* leaked[2 * UNKNOWNS];

TEST(error_unknown_numbers_are_printed) {
  char buf[64];
  size_t i;

  for (i = 0; i < UNKNOWNS; i++) {
    uv_err_name_r(unknown[i].number, buf, sizeof(buf));
    ASSERT_STR_EQ(buf, unknown[i].text);
    uv_strerror_r(unknown[i].number, buf, sizeof(buf));
    ASSERT_STR_EQ(buf, unknown[i].text);
    leaked[2 * i] = uv_err_name(unknown[i].number);
    leaked[2 * i + 1] = uv_strerror(unknown[i].number);
    ASSERT_STR_EQ(leaked[2 * i], unknown[i].text);
    ASSERT_STR_EQ(leaked[2 * i + 1], unknown[i].text);
  }
}

TEST(error_translate_sys_error) {
  static const struct {
    int from;
    int to;
  } cases[] = {
      {0, 0},          {EPERM, UV_EPERM},    {-EPERM, UV_EPERM},
      {EPIPE, UV_EPIPE}, {-EPIPE, UV_EPIPE}, {EINVAL, UV_EINVAL},
      {9999, -9999},   {-9999, -9999},       {INT32_MAX, -INT32_MAX},
      {INT32_MIN, INT32_MIN},
  };
  size_t i;

  for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    ASSERT_EQ(uv_translate_sys_error(cases[i].from), cases[i].to);
}
