/* SPDX-License-Identifier: MIT
 *
 * ioctl(2) requests on files and terminals.
 */
#ifndef ABI_LINUX_IOCTL_H
#define ABI_LINUX_IOCTL_H

#define TCGETS      0x5401
#define TCSETS      0x5402
#define TCSETSW     0x5403
#define TCSETSF     0x5404
#define TCGETA      0x5405
#define TCSETA      0x5406
#define TCSETAW     0x5407
#define TCSETAF     0x5408
#define TCSBRK      0x5409
#define TCXONC      0x540a
#define TCFLSH      0x540b
#define TIOCEXCL    0x540c
#define TIOCNXCL    0x540d
#define TIOCSCTTY   0x540e
#define TIOCGPGRP   0x540f
#define TIOCSPGRP   0x5410
#define TIOCOUTQ    0x5411
#define TIOCSTI     0x5412
#define TIOCGWINSZ  0x5413
#define TIOCSWINSZ  0x5414
#define FIONREAD    0x541b
#define SIOCATMARK  0x8905
#define SIOCGSTAMP  0x8906
#define TIOCPKT     0x5420
#define FIONBIO     0x5421
#define TIOCNOTTY   0x5422
#define TIOCSETD    0x5423
#define TIOCGETD    0x5424
#define TCSBRKP     0x5425
#define TIOCSBRK    0x5427
#define TIOCCBRK    0x5428
#define TIOCGSID    0x5429
#define TCGETS2     0x802c542a
#define TCSETS2     0x402c542b
#define TCSETSW2    0x402c542c
#define TCSETSF2    0x402c542d
#define TIOCGPTN    0x80045430
#define TIOCSPTLCK  0x40045431
#define TIOCGDEV    0x80045432
#define TIOCSIG     0x40045436
#define TIOCVHANGUP 0x5437
#define TIOCGPKT    0x80045438
#define TIOCGPTLCK  0x80045439
#define TIOCGEXCL   0x80045440
#define TIOCGPTPEER 0x5441
#define FIONCLEX    0x5450
#define FIOCLEX     0x5451
#define FIOASYNC    0x5452
#define FIOQSIZE    0x5460
#define FIOSETOWN   0x8901
#define SIOCSPGRP   0x8902
#define FIOGETOWN   0x8903
#define SIOCGPGRP   0x8904
#define FIBMAP      1
#define FIGETBSZ    2
#define FICLONE     0x40049409

#define SIOCGSTAMPNS     0x8907
#define SIOCGSTAMP_NEW   0x80108906
#define SIOCGSTAMPNS_NEW 0x80108907

#define TIOCGLCKTRMIOS 0x5456
#define TIOCSLCKTRMIOS 0x5457

/* Of file systems, in Landlock's list of what is no matter of a device. */
#define FICLONERANGE          0x4020940d
#define FIDEDUPERANGE         0xc0189436
#define FIFREEZE              0xc0045877
#define FITHAW                0xc0045878
#define FS_IOC_FIEMAP         0xc020660b
#define FS_IOC_GETFSUUID      0x80111500
#define FS_IOC_GETFSSYSFSPATH 0x80811501

#endif
