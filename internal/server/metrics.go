package server

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/cluster/storage"
)

// diskMetrics measures the store.
type diskMetrics struct {
	to    prometheus.Registerer
	took  map[string]prometheus.Observer
	bytes map[string]prometheus.Counter
}

// storeOps are the operations of a store, as storage.Options.Observe names them.
var storeOps = []string{"append", "read", "truncate", "stable"}

func newDiskMetrics(to prometheus.Registerer) *diskMetrics {
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "voted_store_seconds", Help: "Calls to the log store by what they do; append and stable include the fsync.",
		Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
	}, []string{"op"})
	bytes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "voted_store_bytes_total", Help: "Bytes read from and written to the log store.",
	}, []string{"op"})
	to.MustRegister(took, bytes)
	d := &diskMetrics{to: to, took: map[string]prometheus.Observer{}, bytes: map[string]prometheus.Counter{}}
	for _, op := range storeOps {
		d.took[op], d.bytes[op] = took.WithLabelValues(op), bytes.WithLabelValues(op)
	}
	return d
}

func (d *diskMetrics) observe(op string, took time.Duration, bytes int) {
	if o, known := d.took[op]; known {
		o.Observe(took.Seconds())
		d.bytes[op].Add(float64(bytes))
	}
}

// follow registers the metric of the store's size.
func (d *diskMetrics) follow(s *storage.Store) {
	d.to.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "voted_store_size_bytes", Help: "Size of the data directory.",
	}, func() float64 { return float64(s.DiskBytes()) }))
}

// watch registers the metrics of the disk's free space.
func (d *diskMetrics) watch(s *storage.Space) {
	gauge := func(name, help string, f func() float64) {
		d.to.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
	}
	gauge("voted_disk_free_bytes", "Free space of the file system that holds the data directory.", func() float64 {
		free, _ := s.Free()
		return float64(free)
	})
	gauge("voted_disk_min_free_bytes", "Below so much free space this node counts as short of it; 0: it is not watched.", func() float64 { return float64(s.MinFree()) })
	gauge("voted_disk_low", "1 while this node is short of space on its disk.", func() float64 {
		if _, low := s.Free(); low {
			return 1
		}
		return 0
	})
}
