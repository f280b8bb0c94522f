//! An nginx of Debian before a gateway, as operators run one.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::eventually;

/// A running nginx. It ends with the test.
pub struct Nginx {
    /// Where it listens.
    pub address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Nginx {
    /// Starts an nginx that passes all requests to `gateway`, with nothing but `proxy_pass` and the
    /// `directives`.
    ///
    /// # Panics
    /// If nginx is missing or does not start.
    pub async fn before(gateway: &str, directives: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("it is bound");
        let settings = format!(
            "daemon off; master_process off; pid nginx.pid;
             events {{}}
             http {{
                 access_log off;
                 client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
                 uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                 server {{
                     listen {address};
                     location / {{ proxy_pass http://{gateway}; {directives} }}
                 }}
             }}"
        );
        fs::write(folder.path().join("nginx.conf"), settings).expect("a writable folder");
        drop(free);
        let process = Command::new("nginx")
            .args(["-e", "stderr", "-c", "nginx.conf", "-p"])
            .arg(folder.path())
            .env("PATH", "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx is missing: run `make deps`, or install the package nginx-light");
        eventually("nginx listens", async || TcpStream::connect(address).await.ok()).await;
        Self { address, process, _folder: folder }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
