"""The node's name and addresses, and the configuration of its runtime and kubelet."""

from __future__ import annotations

NAME = "stack-node"
ADDRESS, GATEWAY, PODS, SERVICES = "10.231.8.1", "10.231.8.254", "10.231.9.0/24", "10.96.0.0/16"
API = f"https://{ADDRESS}:6443"
CONTAINERD = """\
version = 3
root = "{run}/ctr/root"
state = "{run}/ctr/state"
[grpc]
  address = "{run}/ctr.sock"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "docker.io/{pause}"
[plugins.'io.containerd.cri.v1.runtime']
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["{usr}/lib/cni"]
    conf_dir = "{run}/cni"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      SystemdCgroup = false
[plugins.'io.containerd.nri.v1.nri']
  disable = true
"""
KUBELET = """\
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}}}
authorization: {{mode: AlwaysAllow}}
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
clusterDNS: ["{address}"]
clusterDomain: cluster.local
containerRuntimeEndpoint: unix://{run}/ctr.sock
staticPodPath: ""
address: {address}
healthzBindAddress: 127.0.0.1
evictionHard: {{memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}}
podLogsDir: {run}/log
resolvConf: ""
"""
