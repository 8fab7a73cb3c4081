//! What the board says of itself is read as the kernel writes it; what there is not is not made up.

use std::fs;

use lookout::board::Board;

#[test]
fn figures_are_read_as_the_kernel_writes_them() {
    let root = tempfile::tempdir().unwrap();
    let board = Board {
        root: root.path().into(),
        disk: root.path().into(),
    };
    assert_eq!((board.temperature_c(), board.throttling(), board.wifi_dbm()), (None, None, None));
    assert_eq!(board.model(), None);
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("proc/device-tree/model", "Raspberry Pi 3 Model B\0");
    write("sys/class/thermal/thermal_zone0/temp", "48312\n");
    write("sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n");
    write(
        "proc/net/wireless",
        "Inter-| sta-|\n face | tus |\n wlan0: 0000   54.  -61.  -256  0 0 0 0 0 0\n",
    );
    assert_eq!(board.model().as_deref(), Some("Raspberry Pi 3 Model B"));
    assert_eq!(board.temperature_c(), Some(48.312));
    let throttling = board.throttling().unwrap();
    assert!(throttling.undervoltage && throttling.throttled && throttling.happened);
    assert!(!throttling.capped && !throttling.hot);
    assert_eq!(board.wifi_dbm(), Some(-61));
    assert!(board.disk().unwrap().used_bytes > 0);
}
