# An httpuv server on TCP, IPv6 and a UNIX socket, which ends on request.
library(httpuv)

running <- TRUE
text <- function(..., status = 200L, headers = list("Content-Type" = "text/plain"))
  list(status = status, headers = headers, body = paste0(...))

app <- list(
  call = function(req) {
    switch(sub("^(/[^/]*).*", "\\1", req$PATH_INFO),
      "/path" = text(req$REQUEST_METHOD, " ", req$QUERY_STRING, " ", req$HTTP_X_TEST, "\n"),
      "/post" = text("got ", rawToChar(req$rook.input$read()), "\n"),
      "/echo" = list(status = 200L, headers = list("Content-Type" = "application/octet-stream"),
                     body = req$rook.input$read()),
      "/later" = promises::promise(function(resolve, reject)
        later::later(function() resolve(text("later\n")), 0.02)),
      "/error" = stop("on purpose"),
      "/header" = text("", headers = list("X-One" = "1", "X-Two" = "2")),
      "/number" = text(as.integer(basename(req$PATH_INFO))^2, "\n"),
      "/stop" = {
        running <<- FALSE
        text("stopping\n")
      },
      text("this is ", req$PATH_INFO, "\n"))
  },
  onHeaders = function(req) {
    if (req$PATH_INFO == "/refused") text("refused\n", status = 413L)
  },
  onWSOpen = function(ws) {
    ws$onMessage(function(binary, message) {
      if (message == "close") ws$close() else ws$send(toupper(message))
    })
  },
  staticPaths = list("/static" = "static")
)

servers <- list(startServer("127.0.0.1", 8001, app), startServer("::1", 8002, app),
                startPipeServer("socket", strtoi("777", 8), app))
while (running) service(100)
for (i in 1:5) service(20)
for (server in servers) server$stop()
