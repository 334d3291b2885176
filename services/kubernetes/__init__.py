"""The project on Kubernetes: a kind cluster of this machine, the official Helm chart, the manifests of k8s/.

`make k8s-up`, `k8s-status`, `k8s-logs` and `k8s-down` are its doors; `make k8s-check` tests it.
"""
