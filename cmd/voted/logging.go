package main

import (
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
)

// logger logs to stderr: for people on a terminal, as JSON otherwise.
func (s *session) logger() *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.flags.LogLevel)); err != nil {
		level = slog.LevelInfo // kong lets only known levels through
	}
	text := s.flags.LogFormat == "text" || s.flags.LogFormat == "auto" && s.stderr.Terminal
	if !text {
		return slog.New(slog.NewJSONHandler(s.stderr, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(tint.NewTextHandler(s.stderr, &tint.Options{
		Level: level, NoColor: !s.stderr.Color, TimeFormat: time.TimeOnly + ".000",
	}))
}
