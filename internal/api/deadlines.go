package api

import (
	"net/http"
	"time"
)

// streaming are the paths whose requests take as long as they make progress. The
// server's timeouts must not end them: their handlers set a deadline for each step.
var streaming = map[string]bool{
	"/v1/polls/{poll}/ballots":        true,
	"/v1/polls/{poll}/results/stream": true,
	"/v1/polls/{poll}/roll":           true,
	"/v1/backup":                      true,
	"/v1/restore":                     true,
}

// unbounded lifts the server's ReadTimeout and WriteTimeout from a request. The
// first would also end the request's context, in the middle of an answer.
func (w *response) unbounded() {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // recorders in tests have none
	_ = control.SetWriteDeadline(time.Time{})
}
