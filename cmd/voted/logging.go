package main

import (
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
)

// logsText reports whether the log is text, not JSON.
func (s *session) logsText() bool {
	return s.flags.LogFormat == "text" || s.flags.LogFormat == "auto" && s.stderr.Terminal
}

// withUnits writes durations with their unit: by default JSON has nanoseconds.
func withUnits(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// logger logs to stderr, as text or JSON.
func (s *session) logger() *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.flags.LogLevel)); err != nil {
		level = slog.LevelInfo // kong lets only known levels through
	}
	if !s.logsText() {
		return slog.New(slog.NewJSONHandler(s.stderr.JSON(), &slog.HandlerOptions{Level: level, ReplaceAttr: withUnits}))
	}
	return slog.New(tint.NewTextHandler(s.stderr, &tint.Options{
		Level: level, NoColor: !s.stderr.Color, TimeFormat: time.TimeOnly + ".000",
	}))
}
