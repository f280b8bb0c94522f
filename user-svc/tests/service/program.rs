//! A user-svc in a process of its own, whose memory and metrics are measured.

use std::{
    fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use tests::{service, store::get};

use crate::harness::{Users, write_key};

/// The program, which ends with the test.
pub struct Program {
    child: Child,
    admin_address: String,
    pub users: Users,
    _keys: tempfile::TempDir,
}

impl Program {
    /// Starts the program on a database, without a limit of the failed logins of a network.
    pub fn start(database_url: &str) -> Self {
        let [address, admin_address] = [(); 2].map(|()| {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().to_string()
        });
        let keys = tempfile::tempdir().unwrap();
        write_key(keys.path(), "2026-01");
        let settings = [
            ("listen-address", address.as_str()),
            ("admin-address", admin_address.as_str()),
            ("signing-keys-dir", keys.path().to_str().unwrap()),
            ("kafka-brokers", service::NO_BROKER),
            ("login-failures-per-network-max", "1000000"),
        ];
        let arguments = service::arguments("user-svc", database_url, &settings);
        let child = Command::new(env!("CARGO_BIN_EXE_user-svc"))
            .args(&arguments[1..])
            .env("MALLOC_MMAP_THRESHOLD_", "1048576")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (_, port) = address.split_once(':').unwrap();
        let url = format!("https://localhost:{port}");
        let users = Users::new(service::channel("gateway", &url, proto::FILE_DESCRIPTOR_SET));
        Self { child, admin_address, users, _keys: keys }
    }

    /// Returns the greatest memory that the process has used so far.
    pub fn memory_peak_kib(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Returns how many passwords the process has hashed or verified.
    pub async fn hashes(&self) -> usize {
        let metrics = get(&format!("http://{}/metrics", self.admin_address)).await.unwrap();
        let metrics = String::from_utf8(metrics.to_vec()).unwrap();
        let count =
            metrics.lines().find_map(|line| line.strip_prefix("password_hash_seconds_count "));
        count.map_or(0, |count| count.parse().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
