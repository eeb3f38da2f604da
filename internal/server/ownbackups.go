package server

import (
	"context"
	"errors"
	"time"

	"voted/internal/backup"
)

// Backups configures a node's own scheduled backups. The zero value: there are none.
type Backups struct {
	BackupDir   string        // made if missing
	BackupEvery time.Duration // default 1 h
	BackupKeep  int           // how many are kept; default 24
}

func (b Backups) check() error {
	switch {
	case b.BackupEvery < 0 || b.BackupEvery > 0 && b.BackupEvery < time.Second:
		return errors.New("--backup-every must be a second or more, such as 1h")
	case b.BackupKeep < 0:
		return errors.New("--backup-keep must be 1 or more")
	case b.BackupDir == "" && (b.BackupEvery != 0 || b.BackupKeep != 0):
		return errors.New("--backup-every and --backup-keep do nothing without --backup-dir")
	}
	return nil
}

func (b Backups) withDefaults() Backups {
	if b.BackupEvery == 0 {
		b.BackupEvery = time.Hour
	}
	if b.BackupKeep == 0 {
		b.BackupKeep = 24
	}
	return b
}

// schedule returns the node's own backups, nil if it keeps none.
func (s *Server) schedule() *backup.Schedule {
	o := s.opts.Backups
	if o.BackupDir == "" {
		return nil
	}
	return &backup.Schedule{
		Dir: o.BackupDir, Every: o.BackupEvery, Keep: o.BackupKeep, Name: "voted-" + s.opts.ID + "-", Logger: s.log,
		Take: func(ctx context.Context) (backup.Source, error) { return s.node.Backup(ctx) },
		Made: s.noteBackup,
	}
}

// runBackups keeps backups until ctx ends.
func (s *Server) runBackups(ctx context.Context) {
	s.backedUp = make(chan struct{})
	go func() { // ends with ctx; if the disk hangs, with the process
		defer close(s.backedUp)
		if s.backups == nil {
			return
		}
		select { // before the member has entered its cluster there is nothing to back up
		case <-s.node.Started():
			s.backups.Run(ctx)
		case <-ctx.Done():
		}
	}()
}

// endBackups waits until a backup under way has been broken off, backupGrace at most: the
// node must be able to stop even if the disk of the backups hangs.
func (s *Server) endBackups() {
	select {
	case <-s.backedUp:
	case <-time.After(backupGrace):
		s.log.Warn("the directory of backups does not answer", "dir", s.opts.BackupDir)
	}
}

// backupGrace is far more than breaking off takes on a disk that works.
const backupGrace = 2 * time.Second
