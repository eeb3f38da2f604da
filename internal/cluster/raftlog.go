package cluster

import (
	"context"
	"io"
	"log"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// raftLog gives raft's messages to slog. Raft speaks of things that are normal to
// an operator (elections, refused connections) as errors; they arrive one level lower.
type raftLog struct {
	hclog.Logger // what is not overridden below discards
	to           *slog.Logger
}

func raftLogger(to *slog.Logger) hclog.Logger {
	return &raftLog{Logger: hclog.NewNullLogger(), to: to.With("part", "raft")}
}

func (l *raftLog) log(level slog.Level, msg string, args []any) {
	l.to.Log(context.Background(), level, msg, args...)
}

func (l *raftLog) Log(level hclog.Level, msg string, args ...any) {
	switch {
	case level >= hclog.Error:
		l.log(slog.LevelWarn, msg, args)
	case level >= hclog.Warn:
		l.log(slog.LevelInfo, msg, args)
	default:
		l.log(slog.LevelDebug, msg, args)
	}
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
