# SPDX-License-Identifier: BSD-2-Clause
#
# dav on a small disk of its own: what PUT answers when it is full, whether the
# body comes while it is written or was read before.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_dav');
plan skip_all => 'nginx answers 500' if is_oracle();

my $t = Weir::Test->new;
my $disk = $t->small_disk('disk', '1m');
plan skip_all => 'only root can mount' if !defined $disk;

mkdir "$disk/temp";
chmod 0777, "$disk/temp";
$t->run(<<'EOC');
%%HTTP%%
    client_max_body_size 8m;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/disk;
        client_body_temp_path %%TESTDIR%%/disk/temp;
        location / { dav_methods PUT; }
        location /read/ { dav_methods PUT; create_full_put_path on;
                          client_body_buffer_size 8m; mirror /mirror; }
        location = /mirror { internal; return 204; }
    }
}
EOC

for my $uri ('/a', '/read/a') {
    is $t->request('PUT', $uri, body => 'x' x 1000)->status, 201, "$uri: room";
    is $t->request('PUT', "${uri}b", body => 'x' x 3_000_000)->status, 507,
        "$uri: a full disk";
    ok !-e "$disk${uri}b", '... makes no file';
    is $t->request('PUT', "${uri}c", body => 'x' x 1000)->status, 201,
        '... and has room again';
}
ok Weir::Test::wait_until(sub { !glob "$disk/temp/*" }, 10),
    'no temporary file is left';
$t->expect_log(qr/failed \(28: No space left on device\)/);

done_testing;
