// Package deploy holds what is needed to run voted: the image, compose, systemd's unit,
// Kubernetes, Prometheus' rules and Grafana's dashboard. Its tests compare them with
// what the program does; docs/operations.md is the manual.
package deploy
