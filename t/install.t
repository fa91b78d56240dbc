# SPDX-License-Identifier: BSD-2-Clause
#
# What make install puts beside an nginx that is there already.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test qw(:DEFAULT top_folder);

plan(skip_all => 'of weir only') if is_oracle();

# installs into a folder of its own; what it said.
sub install {
    my ($t) = @_;
    my %set = (
        BUILD => $t->path('build'), DESTDIR => $t->path('root'),
        PREFIX => '/usr/share/nginx', SBIN_PATH => '/usr/sbin/weir',
        CONF_PATH => '/etc/nginx/nginx.conf', PID_PATH => '/run/nginx.pid',
        ERROR_LOG => '/var/log/nginx/error.log',
        HTTP_LOG => '/var/log/nginx/access.log',
        WORKER_USER => 'nobody', WORKER_GROUP => 'nogroup',
    );
    my $words = join ' ', map { "$_='$set{$_}'" } sort keys %set;

    return `cd '@{[top_folder()]}' && $words sh auto/install 2>&1`;
}

my $beside = Weir::Test->new;
$beside->write('build/weir', "#!/bin/sh\n");
$beside->write('root/etc/nginx/nginx.conf', "events { }\nuser  www-data adm;\n");
$beside->write('root/etc/logrotate.d/nginx', "# /var/log/nginx/*.log\n/var/log/nginx/*.log {\n daily\n}\n");
like install($beside), qr{^ +no /etc/logrotate\.d/weir: /etc/logrotate\.d/nginx rotates /var/log/nginx/\*\.log already$}m,
    'another file rotates the logs: one line says so';
ok !-e $beside->path('root/etc/logrotate.d/weir'), 'and there is no second one';
is readlink $beside->path('root/usr/sbin/nginx'), 'weir', 'the link';

my $unit = $beside->read('root/lib/systemd/system/weir.service');
like $unit, qr/^$_$/m, "the unit: $_"
    for qw(Conflicts=nginx\.service Restart=on-failure LimitNOFILE=\d+
           ProtectSystem=full ReadWritePaths=-/usr/share/nginx
           PIDFile=/run/nginx\.pid);
unlike $unit, qr/^PrivateTmp/m, 'sockets in /tmp can be reached';
unlike $unit, qr/\@/, 'nothing is left to fill in';

my $alone = Weir::Test->new;
$alone->write('build/weir', "#!/bin/sh\n");
$alone->write('root/etc/nginx/nginx.conf', "events { }\nuser  www-data adm;\n");
$alone->write('root/etc/logrotate.d/other', "/var/log/other/*.log {\n}\n");
install($alone);
my $rotate = $alone->read('root/etc/logrotate.d/weir');
like $rotate, qr{\A/var/log/nginx/\*\.log \{}, 'else there is a file for logrotate';
like $rotate, qr/^ +create 0640 www-data /m, q{whose user is nginx.conf's};
install($alone);
ok -e $alone->path('root/etc/logrotate.d/weir'), 'a second time as well';

done_testing;
