/* An HTTP server with libh2o on a libuv loop: files of the directory, and what is posted to /echo.
 *   server PORT */
#include <h2o.h>
#include <h2o/http1.h>
#include <h2o/http2.h>
#include <stdio.h>
#include <stdlib.h>

static h2o_globalconf_t config;
static h2o_context_t context;
static h2o_accept_ctx_t accepting;
static uv_loop_t loop;
static uv_tcp_t listener;
static uv_signal_t terminate;

static int echo(h2o_handler_t* handler, h2o_req_t* request) {
  static h2o_generator_t generator = {NULL, NULL};
  (void) handler;
  if (!h2o_memis(request->method.base, request->method.len, H2O_STRLIT("POST"))) return -1;
  request->res.status = 200;
  request->res.reason = "OK";
  h2o_add_header(&request->pool, &request->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, H2O_STRLIT("application/octet-stream"));
  h2o_start_response(request, &generator);
  h2o_send(request, &request->entity, 1, 1);
  return 0;
}

static void on_connection(uv_stream_t* stream, int status) {
  uv_tcp_t* connection;
  if (status != 0) return;
  connection = h2o_mem_alloc(sizeof *connection);
  uv_tcp_init(stream->loop, connection);
  if (uv_accept(stream, (uv_stream_t*) connection) != 0) {
    uv_close((uv_handle_t*) connection, (uv_close_cb) free);
    return;
  }
  h2o_accept(&accepting, h2o_uv_socket_create((uv_stream_t*) connection, (uv_close_cb) free));
}

static void on_signal(uv_signal_t* signal, int number) {
  (void) number;
  uv_close((uv_handle_t*) signal, NULL);
  uv_close((uv_handle_t*) &listener, NULL);
  h2o_context_request_shutdown(&context);
  uv_stop(&loop);
}

int main(int argc, char** argv) {
  h2o_hostconf_t* host;
  struct sockaddr_in address;
  if (argc != 2) return 1;
  uv_loop_init(&loop);
  h2o_config_init(&config);
  host = h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
  h2o_create_handler(h2o_config_register_path(host, "/echo", 0), sizeof(h2o_handler_t))->on_req = echo;
  h2o_file_register(h2o_config_register_path(host, "/", 0), "files", NULL, NULL, 0);
  h2o_context_init(&context, &loop, &config);
  accepting.ctx = &context;
  accepting.hosts = config.hosts;

  uv_tcp_init(&loop, &listener);
  uv_ip4_addr("127.0.0.1", atoi(argv[1]), &address);
  if (uv_tcp_bind(&listener, (struct sockaddr*) &address, 0) != 0) return 1;
  if (uv_listen((uv_stream_t*) &listener, 128, on_connection) != 0) return 1;
  uv_signal_init(&loop, &terminate);
  uv_signal_start(&terminate, on_signal, SIGTERM);
  uv_run(&loop, UV_RUN_DEFAULT);
  printf("stopped\n");
  return 0;
}
