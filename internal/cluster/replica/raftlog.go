package replica

import (
	"context"
	"io"
	"log"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// raftLog gives raft's messages to slog, at lower levels than raft's: what raft calls an
// error is mostly a member that does not answer, which the leader's monitor logs once, in
// plain words.
type raftLog struct {
	hclog.Logger // methods that are not overridden below discard
	to           *slog.Logger
}

func raftLogger(to *slog.Logger) hclog.Logger {
	return &raftLog{Logger: hclog.NewNullLogger(), to: to.With("part", "raft")}
}

func (l *raftLog) log(level slog.Level, msg string, args []any) {
	l.to.Log(context.Background(), level, msg, args...)
}

// routine are raft's errors about members that do not answer.
var routine = map[string]bool{
	"failed to appendEntries to":                      true,
	"failed to heartbeat to":                          true,
	"failed to make requestVote RPC":                  true,
	"failed to make preVote RPC":                      true,
	"failed to make requestPreVote RPC":               true,
	"peer has newer term, stopping replication":       true,
	"failed to get previous log":                      true,
	"failed to pipeline appendEntries":                true,
	"peer doesn't have prevote capability":            true,
	"failed to start pipeline replication to":         true,
	"leadership transfer failed, peer has newer term": true,
}

func (l *raftLog) Log(level hclog.Level, msg string, args ...any) {
	to := slog.LevelDebug
	if level >= hclog.Error && !routine[msg] {
		to = slog.LevelWarn
	}
	l.log(to, msg, args)
}

func (l *raftLog) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }
func (l *raftLog) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }
func (l *raftLog) Info(msg string, args ...any)  { l.Log(hclog.Info, msg, args...) }
func (l *raftLog) Warn(msg string, args ...any)  { l.Log(hclog.Warn, msg, args...) }
func (l *raftLog) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

func (l *raftLog) With(args ...any) hclog.Logger {
	return &raftLog{Logger: l.Logger, to: l.to.With(args...)}
}
func (l *raftLog) Named(name string) hclog.Logger      { return l.With("name", name) }
func (l *raftLog) ResetNamed(name string) hclog.Logger { return l.Named(name) }

func (l *raftLog) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return slog.NewLogLogger(l.to.Handler(), slog.LevelDebug)
}
func (l *raftLog) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return io.Discard }
